"""The OpenAPI document: what the routes say of themselves, completed by what is true of all of them."""
