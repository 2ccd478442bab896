"""The door to a Kubernetes cluster, ours or a real one; who drills needs `ClusterDoor` only.

objects     what the drill knows of a cluster: small, flat, typed
door        `ClusterDoor`, the protocol that drill and console are written against
cluster     `Cluster`, the same over lightkube: import it where a connection is made
memory      `MemoryCluster`, the same without a cluster: for unit tests
faults      Fault objects, which only our own cluster knows
fields      who wrote a field last, read from managedFields
readings    Kubernetes' objects turned into ours
errors      what a call may answer, turned into the house's errors
"""
