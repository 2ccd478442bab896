"""front-end: the browser's API, its sessions and the pages that show an order."""
