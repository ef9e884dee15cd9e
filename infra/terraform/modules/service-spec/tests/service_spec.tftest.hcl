variables {
  services = {
    gateway = {
      cpu    = 1024
      image  = "example/gateway@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      memory = 2048
      ports  = { internal = 4001, public = 4000 }
      routes = {
        internal = { health_path = "/health/liveliness" }
        public   = { health_path = "/health/liveliness", paths = ["/v1/*"], priority = 10 }
      }
    }
    scraper = {
      calls  = { gateway = ["internal"] }
      cpu    = 256
      image  = "example/scraper:v1.136.20"
      memory = 512
    }
  }
}

run "only_named_neighbours_are_connected" {
  assert {
    condition     = jsonencode(output.connections) == jsonencode({ "scraper-to-gateway-4001" = { from = "scraper", to = "gateway", port = 4001 } })
    error_message = "The connections are ${jsonencode(output.connections)}."
  }
}

run "a_service_with_two_routes_names_them_by_port" {
  assert {
    condition     = toset(keys(output.routes)) == toset(["gateway-internal", "gateway-public"])
    error_message = "The routes are ${jsonencode(output.routes)}."
  }

  assert {
    condition     = output.routes["gateway-public"].port == 4000 && length(output.routes["gateway-internal"].paths) == 0
    error_message = "The routes are ${jsonencode(output.routes)}."
  }
}

run "what_is_not_said_has_a_safe_default" {
  assert {
    condition     = output.services["scraper"].capacity == "on-demand" && !output.services["scraper"].writes_everywhere && output.services["scraper"].stop_seconds == 30
    error_message = "The service is ${jsonencode(output.services["scraper"])}."
  }
}

run "an_image_that_moves_is_refused" {
  command = plan
  variables { services = { gateway = { cpu = 256, image = "example/gateway:latest", memory = 512 } } }
  expect_failures = [var.services]
}

run "an_image_of_a_major_version_is_refused" {
  command = plan
  variables { services = { gateway = { cpu = 256, image = "langfuse/langfuse:4", memory = 512 } } }
  expect_failures = [var.services]
}

run "an_image_without_tag_is_refused" {
  command = plan
  variables { services = { gateway = { cpu = 256, image = "localhost:5000/gateway", memory = 512 } } }
  expect_failures = [var.services]
}

run "memory_that_fargate_does_not_sell_is_refused" {
  command = plan
  variables { services = { gateway = { cpu = 1024, image = "example/gateway:1.0.0", memory = 1024 } } }
  expect_failures = [var.services]
}

run "cpu_that_fargate_does_not_sell_is_refused" {
  command = plan
  variables { services = { gateway = { cpu = 300, image = "example/gateway:1.0.0", memory = 512 } } }
  expect_failures = [var.services]
}

run "a_call_to_a_port_that_nobody_has_is_refused" {
  command = plan
  variables { services = { gateway = { calls = { database = ["main"] }, cpu = 256, image = "example/gateway:1.0.0", memory = 512 } } }
  expect_failures = [var.services]
}

run "two_routes_of_the_same_priority_are_refused" {
  command = plan
  variables {
    services = {
      a1 = { cpu = 256, image = "example/a:1.0.0", memory = 512, ports = { http = 1 }, routes = { http = { health_path = "/", paths = ["/a"], priority = 1 } } }
      b1 = { cpu = 256, image = "example/b:1.0.0", memory = 512, ports = { http = 1 }, routes = { http = { health_path = "/", paths = ["/b"], priority = 1 } } }
    }
  }
  expect_failures = [var.services]
}

run "more_tasks_at_least_than_at_most_are_refused" {
  command = plan
  variables { services = { gateway = { cpu = 256, image = "example/gateway:1.0.0", memory = 512, tasks = { max = 1, min = 2 } } } }
  expect_failures = [var.services]
}

run "a_stop_longer_than_fargate_waits_is_refused" {
  command = plan
  variables { services = { gateway = { cpu = 256, image = "example/gateway:1.0.0", memory = 512, stop_seconds = 600 } } }
  expect_failures = [var.services]
}
