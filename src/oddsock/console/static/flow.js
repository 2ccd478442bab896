// The graph of services: what the server drew is given new words and colours; it is never laid out here.

const rate = (value) => `${value.toFixed(1)}/s`;

/** Which nodes and edges there are, of the drawn page or of a document, as one text to compare. */
export function flowKeys(source) {
  if (!source) return "";
  if (source.nodes) {
    return [...source.nodes.map((one) => one.name), ...source.edges.map((one) => `${one.caller} ${one.callee}`)].sort().join("|");
  }
  const names = [...source.querySelectorAll("#flow [data-node]")].map((one) => one.dataset.node);
  const ways = [...source.querySelectorAll("#flow [data-edge]")].map((one) => one.dataset.edge);
  return [...names, ...ways].sort().join("|");
}

export function drawNodes(nodes) {
  for (const node of nodes) {
    const drawn = document.querySelector(`#flow [data-node="${CSS.escape(node.name)}"]`);
    drawn.setAttribute("class", `node is-${node.state}`);
    drawn.querySelector("title").textContent = node.sentence;
    drawn.querySelector(".state").textContent = node.state;
  }
}

export function drawEdges(edges) {
  for (const edge of edges) {
    const key = CSS.escape(`${edge.caller} ${edge.callee}`);
    const drawn = document.querySelector(`#flow [data-edge="${key}"]`);
    drawn.setAttribute("class", `edge is-${edge.state}`);
    const [calls, errors] = drawn.querySelectorAll("text");
    calls.textContent = edge.rate ? rate(edge.rate.calls) : "";
    errors.textContent = edge.rate?.errors ? `${rate(edge.rate.errors)} fail` : "";
    const cells = document.querySelector(`#edges [data-edge="${key}"]`).cells;
    cells[2].textContent = edge.rate ? edge.rate.calls.toFixed(2) : "not known";
    cells[3].textContent = edge.rate ? edge.rate.errors.toFixed(2) : "";
    cells[4].textContent = edge.state;
  }
}
