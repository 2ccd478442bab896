"""The door to telemetry, ours or the real Datadog; who drills needs `TelemetryDoor` only.

records     what is read of logs, metrics, events, monitors, dashboards, hosts and containers: small, typed
door        `TelemetryDoor`, the protocol that drill and command line are written against
datadog     `Datadog`, all the calls at one address: import it where a connection is made
connection  an address, two keys, and one call with a deadline, a size and a few tries
errors      what a call may answer, turned into the house's errors; a refused query knows its column
shipping    what is sent: logs, series, events, service checks
logs        logs searched, paged by cursor, and counted; values of facets
log_tail    logs followed as they come in
log_table   logs as comma-separated values
metrics     metric queries
events      the event stream
monitors    monitors and what state they are in
dashboards  dashboards
widget_queries  what the widgets of a dashboard ask, each question with the call that answers it
widget_answers  the answers, as series, rows, lines, events or states
hosts       hosts and containers
pipelines   log pipelines
memory      `MemoryTelemetry`, the same without a server: for unit tests
"""
