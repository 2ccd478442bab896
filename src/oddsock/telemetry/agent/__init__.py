"""The agent: reads one cluster as a Datadog Agent would and ships what it finds to whoever speaks Datadog's API.

It knows the cluster by its API and by the folder of its container logs, the store by `clients.datadog`; nothing else.

settings        what an agent is told: one JSON file
agent           the parts of a running agent: which loop runs how often, and how all end
reporting       loops with deadlines: run a collector, keep what could not be sent, try again later
series          points and service checks as they are sent
memory          what survives a restart: positions in log files, events that were sent, counters as they were read
api_server      questions to the Kubernetes API, and watches
pods            the pods of the cluster, followed by a watch
tags            the tags that a Datadog Agent gives to pods and containers
cri             lines of container logs; parts joined
log_records     lines joined to records: stack traces
log_files       container log files: what was appended since, rotation, removal
log_shipping    files to records to the store, a position advancing only when the store has them
pod_logs        the same through the pod-log API, where there is no folder
kube_events     Kubernetes events as Datadog events, each once
kubelet         collector: kubernetes.* of pods and containers
cluster_state   collector: kubernetes_state.*
machine         collector: system.* of this machine, under the name of each node
shop            collector: what orders counts
connectivity    collector: does payment answer, asked inside the cluster's network
installs        the shipped dashboards, monitors and log pipelines, made in the store
heartbeat       collector: datadog.agent.running
"""
