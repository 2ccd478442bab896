"""Telemetry: our own store of logs, metrics, events, monitors and dashboards, spoken to as one speaks to Datadog.

records     what is stored: a log, an event, a service check, a point of a metric
store/      SQLite files: logs by day, metrics, documents (dashboards, monitors, pipelines), events
query/      the two query languages, parsed by hand, and what evaluates them
pipelines/  Datadog log pipelines: grok and the other processors
monitors/   monitors, evaluated continuously
api/        one file a noun of Datadog's API; errors in Datadog's shape
agent/      reads the cluster as a Datadog Agent would and ships what it finds over the wire
"""
