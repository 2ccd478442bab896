"""The three systems as seen over the wire: the only doors that drill and console have.

kubernetes  a cluster, ours or a real one
sockshop    the shop: its books, what its orders service may be asked to do, and a customer's browser
datadog     telemetry: our own store, or Datadog itself
mail        a mail server
answers     what any HTTP server answers: its body up to a size, and why no answer came
"""
