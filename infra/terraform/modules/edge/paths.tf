locals {
  # What CloudFront, its function and the edge listener let through: one list for all three.
  public_paths = concat(
    flatten([for route in values(local._public_routes) : route.paths]),
    flatten([for prefix in keys(var.redirects) : [prefix, "${prefix}/*"]]),
  )

  # Administration below a public prefix: the function and the edge listener refuse it before they let
  # public paths through. tests/infra/test_admin_paths.py compares this with the gateway's routes.
  _private_paths = ["/v1/model/*"]

  _public_routes = { for name, route in var.routes : name => route if length(route.paths) > 0 }

  # Deny is the default; these get the sentence that says why. First segments of administration in
  # the gateway, in LiteLLM (whose scripts people bring along) and of what describes an API.
  _administrative = setsubtract(
    [
      "admin", "audit", "budget", "cache", "callbacks", "config", "config.yaml", "credentials", "customer",
      "debug", "docs", "end_user", "global", "guardrails", "invitation", "key", "metrics", "model", "model_group",
      "openapi.json", "organization", "provider", "redoc", "router", "routes", "schedule", "settings", "spend",
      "sso", "tag", "team", "ui", "user", "utils",
    ],
    [for path in local.public_paths : split("/", path)[1]],
  )

  _refusals = {
    administrative = "Admin endpoints not accessible via CloudFront"
    other          = "This path is not public"
  }

  # The shape that clients of all three API formats read.
  refusals = {
    for kind, message in local._refusals : kind => jsonencode({
      type  = "error"
      error = { type = "permission_error", code = "forbidden", message = message }
    })
  }
}
