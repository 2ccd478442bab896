"""What a customer's page shows."""

from oddsock.clients.sockshop.pages import ShownRow, constant_label, read_rows

OURS = """<table><tbody>
<tr data-order="690320ce"><th># 690320ce</th><td>2025-10-30</td>
  <td data-amount>$ 104.98</td><td><span class="label label-success" data-shown>Payment
  failed</span></td><td><a href="/customer-order.html?order=/orders/690320ce">View</a></td></tr>
<tr data-order="690320ea"><td data-shown>Shipped</td><td data-amount>$ 1,019.99</td></tr>
</tbody></table>"""

ORIGINAL = """<script>
 $("#tableOrders").append('<tr><th># ' + id + '</th><td>$ ' + total + '</td>' +
 '<td><span class="label label-success">Shipped</span></td></tr>');
</script>"""


def test_each_row_is_read_with_its_label_and_amount() -> None:
    assert read_rows(OURS) == [
        ShownRow(order_id="690320ce", label="Payment failed", amount_cents=10498),
        ShownRow(order_id="690320ea", label="Shipped", amount_cents=101999),
    ]


def test_a_page_without_rows_shows_nothing_by_itself() -> None:
    assert read_rows(ORIGINAL) == []
    assert read_rows("") == []


def test_the_constant_label_of_the_original_script_is_found() -> None:
    assert constant_label(ORIGINAL) == "Shipped"
    assert constant_label("<p>no orders</p>") == ""
