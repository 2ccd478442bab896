"""Customers, addresses and cards as the user service's wire shows them, and how a password is kept: pure."""

import hashlib

import msgspec

LINK_HOST = "user"
"""The host in every link: the original's HATEAOS setting."""


class Customer(msgspec.Struct, kw_only=True):
    """A customer of the book; *password* is sha1(salt + password) in hex, as the original keeps it."""

    id: str
    username: str
    email: str
    first_name: str
    last_name: str
    salt: str
    password: str


class Address(msgspec.Struct, kw_only=True):
    """A customer's address as posted."""

    street: str = ""
    number: str = ""
    country: str = ""
    city: str = ""
    postcode: str = ""


class Card(msgspec.Struct, kw_only=True, rename="camel"):
    """A customer's card as posted; the wire serves the full number, as the original does."""

    long_num: str = ""
    expires: str = ""
    ccv: str = ""


def hashed(salt: str, password: str) -> str:
    """The password as the original keeps it.

    >>> hashed("c748112bc027878aa62812ba1ae00e40ad46d497", "eve")
    'fec51acb3365747fc61247da5e249674cf8463c2'
    """
    return hashlib.sha1((salt + password).encode()).hexdigest()


def link(kind: str, identity: str, rest: str = "") -> dict[str, str]:
    """A HAL link to an entity of *kind*."""
    return {"href": f"http://{LINK_HOST}/{kind}/{identity}{rest}"}


def customer_body(customer: Customer, with_email: bool = False) -> dict[str, object]:
    """A customer as HAL; *with_email* adds what the original keeps to itself, for whoever must write to them."""
    body: dict[str, object] = {
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "username": customer.username,
        "id": customer.id,
        "_links": {
            "addresses": link("customers", customer.id, "/addresses"),
            "cards": link("customers", customer.id, "/cards"),
            "customer": link("customers", customer.id),
            "self": link("customers", customer.id),
        },
    }
    if with_email:
        body["email"] = customer.email
    return body


def entity_body(kind: str, plural: str, identity: str, fields: Address | Card) -> dict[str, object]:
    """An address or card as HAL."""
    body: dict[str, object] = msgspec.to_builtins(fields)
    links = {kind: link(plural, identity), "self": link(plural, identity)}
    return {**body, "id": identity, "_links": links}
