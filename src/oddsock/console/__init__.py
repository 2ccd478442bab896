"""The console: a shop, its faults and its telemetry in a browser, over the same clients as everybody else.

settings  what a console is told: where cluster and telemetry answer, where the cases lie
server    `python -m oddsock.console.server SETTINGS`: the process
app       all pages as one aiohttp application
desk      what every page works with: the doors to cluster, shop and telemetry, opened when first needed
access    who may look: one-time links, sessions, and the token that a change must carry
page      one page: what it reads, shown as HTML and as its `.json` twin; refusals in the same frame
asked     what a query string asks for, read and checked
span      the span of time that a page shows
terms     terms of a log search, put into a query and taken out again
log_documents   log lines and their histogram as pages tell them
magnitude   numbers in words
lines     the lines of a chart as pages tell them
widgets   the widgets of a dashboard, answered
widget_looks    which way of showing fits a widget, its colour, its thresholds
live      server-sent events
watch     the shop as it is now, for the page Now: one poller for everybody who follows
flow      the way of an order as a graph: health, rates and errors by the services' own counters
odd       odd socks counted by the drill's checks over the books
figures   the key figures of the report's two dashboards, asked of telemetry
broken    what is broken and by whom
beside    something slow that is read beside a page, one reading at a time
left      what the dead left broken, put back when the console starts
pages/    one file a page (or a group of pages that share a subject)
templates/, static/   jinja2; plain ES modules, one style sheet; uPlot vendored under static/vendor
"""
