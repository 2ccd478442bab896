"""A customer of the shop at a browser: opens an account, chooses socks, goes to the checkout."""

from tests.browser.chromium import Visitor

from oddsock.kit import ids

ADDRESS = {"House number": "1", "Street": "Long Road", "City": "Town", "Postcode": "P1", "Country": "UK"}
CARD = {"Card number": "5953 5806 0416 9678", "Expires (MM/YY)": "08/29", "Security code": "678"}


class Customer(Visitor):
    """A person who buys socks."""

    def register(self) -> None:
        """Open an account and say where socks go and which card pays, as a person would."""
        self.go("/account.html")
        form = self.page.locator("form", has_text="I am new here")
        for label, text in (("User name", f"v-{ids.object_id()}"), ("Password", "secret-1"), ("E-mail", "v@a.example")):
            form.get_by_label(label).fill(text)
        form.get_by_role("button").click()
        for label, text in ADDRESS.items():
            self.page.get_by_label(label).fill(text)
        self.press("Save address")
        for label, text in CARD.items():
            self.page.get_by_label(label).fill(text)
        self.press("Save card")

    def enter(self) -> None:
        """Have an account, an address, a card and a pair of colourful socks in the basket, without a page for each."""
        person = {"username": f"v-{ids.object_id()}", "password": "secret-1", "email": "v@a.example"}
        address = {"number": "1", "street": "Long Road", "city": "Town", "postcode": "P1", "country": "UK"}
        card = {"longNum": "5953580604169678", "expires": "08/29", "ccv": "678"}
        bodies: dict[str, dict[str, str]] = {"/register": person, "/addresses": address, "/cards": card}
        for path, body in bodies.items():
            assert self.context.request.post(self.base + path, data=body).ok
        socks = self.context.request.get(f"{self.base}/catalogue?size=100").json()
        sock = next(one["id"] for one in socks if one["name"] == "Colourful Socks")
        assert self.context.request.post(f"{self.base}/cart", data={"id": sock}).ok
        self.go("/checkout.html")

    def choose(self, sock: str) -> None:
        """Put a pair of *sock* into the basket: found by its tag, looked at, added."""
        self.go("/category.html?tags=brown,blue&page=1")
        while self.page.get_by_role("link", name=sock, exact=False).count() == 0:
            here = int(self.page.locator(".turns [aria-current=page]").inner_text())
            self.press(f"Page {here + 1}")
        self.page.get_by_role("link", name=sock).last.click()
        self.press("Add to basket")
        self.page.get_by_role("heading", name="Basket").wait_for()
