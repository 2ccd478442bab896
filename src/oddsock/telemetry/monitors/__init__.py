"""Monitors: questions that are asked again and again, and what happens when an answer passes a threshold.

query         a monitor's query, text to tree, with positioned errors
definition    a monitor's JSON, checked: type, query, thresholds, options
evaluation    a query asked of the stores: one reading a group
metric_reading   how a metric query becomes one number a group
states        what a reading makes of a group's state: pure, and all of the rules
record        the states, transitions and messages owed, on disk
notice        what a transition is told with: title, text, template variables
delivery      webhooks and mail, tried a bounded number of times
watch         the loop that keeps all this going inside the server
"""
