"""Telemetry: our own store of logs, metrics, events, monitors and dashboards, spoken to as one speaks to Datadog.

server      the process: stores opened, API served, old logs forgotten; settings: what it is told
app         the API put together: who may ask, what is not answered, how errors are told
intake      bodies made into logs within Datadog's limits; statuses: any word for a status, understood
tails       who follows logs as they come in
records     what is stored: a log, an event, a service check, a point of a metric
store/      SQLite files: logs by day, metrics, documents (dashboards, monitors, pipelines), events
query/      the two query languages, parsed by hand, and what evaluates them
pipelines/  Datadog log pipelines: grok and the other processors
monitors/   monitors, evaluated continuously
api/        one file a noun of Datadog's API; errors in Datadog's shape
agent/      reads the cluster as a Datadog Agent would and ships what it finds over the wire
"""
