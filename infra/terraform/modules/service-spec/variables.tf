variable "services" {
  description = "Services and one-off tasks by name. `calls` names the ports of other services that this one opens connections to; nobody else gets in."
  type = map(object({
    architecture      = optional(string, "ARM64")
    calls             = optional(map(list(string)), {})
    capacity          = optional(string, "on-demand")
    cpu               = number
    health            = optional(list(string))
    health_grace      = optional(number, 30)
    image             = string
    kind              = optional(string, "service")
    memory            = number
    ports             = optional(map(number), {})
    routes            = optional(map(object({ health_path = string, priority = optional(number), paths = optional(list(string), []) })), {})
    scaling           = optional(object({ concurrent_requests = optional(number), cpu = optional(number), memory = optional(number) }), {})
    stop_seconds      = optional(number, 30)
    tasks             = optional(object({ max = optional(number, 1), min = optional(number, 1) }), {})
    user              = optional(string)
    writable          = optional(map(string), {})
    writes_everywhere = optional(bool, false)
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.services) : can(regex("^[a-z][a-z0-9-]{1,17}$", name))])
    error_message = "A service's name is 2 to 18 lower-case letters, digits and dashes, such as \"victoria-metrics\"."
  }

  validation {
    condition = alltrue([
      for service in values(var.services) :
      can(regex("@sha256:[0-9a-f]{64}$", service.image)) || can(regex(":v?[0-9]+\\.[0-9]+[0-9A-Za-z.+_-]*$", service.image)) || can(regex(":[0-9a-f]{40}$", service.image))
    ])
    error_message = "An image is pinned by its digest, a full version or a commit, such as \"grafana/grafana:13.2.3\"; \"latest\", \"main\" or \":4\" move."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : contains(keys(local._fargate_memory), tostring(service.cpu))])
    error_message = "Fargate sells 256, 512, 1024, 2048, 4096 or 8192 CPU units, such as cpu = 1024."
  }

  validation {
    condition = alltrue([
      for service in values(var.services) :
      try(contains(local._fargate_memory[tostring(service.cpu)], service.memory), false)
    ])
    error_message = "The memory does not go with the CPU on Fargate; 1024 CPU units take 2048 to 8192 MB in steps of 1024, such as memory = 2048."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : contains(["ARM64", "X86_64"], service.architecture)])
    error_message = "An architecture is \"ARM64\" or \"X86_64\"."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : contains(["on-demand", "spot"], service.capacity)])
    error_message = "A capacity is \"on-demand\" or \"spot\"."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : contains(["service", "task"], service.kind)])
    error_message = "A kind is \"service\", which always runs, or \"task\", which is run once by hand."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : service.stop_seconds >= 2 && service.stop_seconds <= 120])
    error_message = "Fargate waits 2 to 120 seconds for a container to stop, such as stop_seconds = 120."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : 0 <= service.tasks.min && service.tasks.min <= service.tasks.max])
    error_message = "The number of tasks goes from min up to max, such as tasks = { min = 2, max = 6 }."
  }

  validation {
    condition     = alltrue(flatten([for service in values(var.services) : [for path in flatten(values(service.routes)[*].paths) : startswith(path, "/") && !strcontains(path, "**")]]))
    error_message = "A route's path begins with a slash, such as \"/v1/*\"."
  }

  validation {
    condition = length(flatten([for service in values(var.services) : [for route in values(service.routes) : route.priority if route.priority != null]])) == length(toset(
      flatten([for service in values(var.services) : [for route in values(service.routes) : route.priority if route.priority != null]])
    ))
    error_message = "Two routes have the same priority; give each its own, such as priority = 20."
  }

  validation {
    condition = alltrue(flatten([
      for service in values(var.services) : [for port in keys(service.routes) : contains(keys(service.ports), port)]
    ]))
    error_message = "A route is named as the port it leads to, such as routes = { public = … } with ports = { public = 4000 }."
  }

  validation {
    condition = alltrue(flatten([
      for service in values(var.services) : [
        for callee, ports in service.calls : [for port in ports : can(var.services[callee].ports[port])]
      ]
    ]))
    error_message = "A service calls ports that another one has, such as calls = { gateway = [\"internal\"] }."
  }
}
