"""Grok: Datadog's parsing language. A rule becomes one compiled regular expression with a group a captured field.

parser    the grok-parser processor: which rule matches, and what it makes of the groups
rules     a text of rules, one a line, with its helper rules written out
pattern   the regular expression around the matchers: RE2's syntax, as Python's
matchers  what %{name} matches, and the value it makes
dates     Joda's date letters: what they match and the instant they name
names     months and days of the week by locale
zones     the zones a date may be in
filters   what becomes of a matched text: numbers, JSON, lists
keyvalue  the keyvalue filter
deadline  a match that is ended when it takes too long
"""
