"""The Sock Shop: eight services and a gateway, each its own process, wire compatible with the original (docs/shop.md).

service      one process: arguments, surroundings, book, server, quick end
flags        one row a switch: the original's faults and the settings of a deployment
log_lines    the line formats of Spring Boot, go-kit and morgan
exposition   Prometheus text, without a dependency
correlation  traceparent, X-Request-Id, X-Order-Id, Idempotency-Key from one call to the next
calls        one call to another service, and why it got no answer
webhooks     signatures, outbox, courier, inbox
work         pieces of work that outlive their caller, one at a time on an order or a charge
wire         bodies, error bodies, health bodies, pages of a book

A service is a folder: `api` answers its wire, `book` keeps what it knows. The services import nothing of each other.
"""
