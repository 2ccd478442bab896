"""Controllers: each looks at what is wanted and what is there, and does the next step from one to the other.

All are level-triggered and synchronous over the store: `loop` calls `reconcile` for every key a change may concern.

deployments    replica sets by template hash, rollouts, conditions
replicasets    as many pods as asked, the least useful deleted first
endpoints      the ready pods behind each Service, as Endpoints and EndpointSlices
scheduler      a node for every pod
namespaces     phases, and emptying what is being deleted
garbage        what belonged to an owner that is gone
claims         every claim for a volume is bound
nodes          the two names this one machine goes by
faults         what is broken on purpose, and whole again
events         what happened, counted and kept in a bounded number
"""
