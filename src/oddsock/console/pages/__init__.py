"""The pages of the console: one file a page, or a group of pages that share a subject; each gives its `routes`.

now             what runs and is broken, the flow of orders, odd socks, key figures; breaking and healing
cases           the list of cases, and two of them side by side
case            one case in tabs: verdicts, timeline, customers, mend, telemetry, report; its files, its stream
case_orders     the orders ledger of a case, and one order with all that the books hold
matrices        remedy matrices as heat maps, each cell with its cases
infrastructure  deployments, pods, Services, nodes: the report's views 1-3
logs            searched, counted over time, narrowed by facets, followed live
events          what Kubernetes, monitors and people told
metrics         the explorer of metric queries
dashboards      listed, imported, shown with every widget answered
monitors        states, history, the query over time
"""
