"""The pages of the console: one file a page, or a group of pages that share a subject; each gives its `routes`.

now             what runs and is broken, the flow of orders, odd socks, key figures; breaking and healing
infrastructure  deployments, pods, Services, nodes: the report's views 1-3
logs            searched, counted over time, narrowed by facets, followed live
events          what Kubernetes, monitors and people told
"""
