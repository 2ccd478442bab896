"""Datadog log pipelines: what a log goes through between intake and store.

pipeline    the pipelines of a store, their order, and a log's way through them
processors  the kinds of step: grok parser, remappers, category, builders, exclusion, nested pipeline
remappers   the processors that move one value to its own place: date, status, message, service, trace id, attribute
filters     the filter of a pipeline or a category
arithmetic  the expression of an arithmetic processor
body        a processor's JSON read field by field, refusing what is wrong by its place
draft       a log on its way, changed by one step after the other
errors      what a pipeline is refused with
grok/       Datadog's parsing language, each rule one compiled regular expression
"""
