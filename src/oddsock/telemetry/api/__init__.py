"""Datadog's HTTP API, the documented subset of it: one file a noun, each with the routes it answers.

access, errors, bodies, fields   keys; refusals in Datadog's shape; bodies within their limit; fields read and checked
validate, unhandled              is the key right; what was asked for and is not answered
log_intake                       logs taken in
log_search, log_aggregate        logs read and counted; log_filters: what both are asked, log_answers: logs and cursors
log_tail                         logs as they come in
series, metric_query, metric_names, formula_query, formula_sources    metrics
events, event_shapes, check_runs, monitors, monitor_shapes            events, service checks, monitors
dashboards, pipelines, hosts, containers                              one noun each
"""
