"""Composition root: boots the cluster, applies the shop's manifests through its API, and knows what is up.

state      stack.json: what is up, under which process, where it answers
images     which program stands for which image
api        what a stack that does not come up is asked, over the Kubernetes API
manifests  the documents of data/manifests/, in the order they can be made
telemetry  the telemetry server and the agent beside the control plane
console    the console's socket, and its process once somebody calls; waiting is what stands there until then
boot       start, wait until every deployment is available, stop
"""
