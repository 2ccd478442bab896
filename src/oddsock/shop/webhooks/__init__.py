"""Webhooks between services of the shop: at least once, signed, told apart by their id.

signature  Standard Webhooks headers, made and checked
outbox     what is to be told, written in the transaction of the deed
courier    carries the outbox, again and again with back-off, until it is taken or dead
inbox      which webhook ids have had their effect
"""
