locals {
  # CPU units and the megabytes that go with them:
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size
  _fargate_memory = {
    "256"  = [512, 1024, 2048]
    "512"  = range(1024, 4096 + 1, 1024)
    "1024" = range(2048, 8192 + 1, 1024)
    "2048" = range(4096, 16384 + 1, 1024)
    "4096" = range(8192, 30720 + 1, 1024)
    "8192" = range(16384, 61440 + 1, 4096)
  }

  connections = {
    for connection in flatten([
      for caller, service in var.services : [
        for callee, ports in service.calls : [
          for port in ports : { from = caller, to = callee, port = var.services[callee].ports[port] }
        ]
      ]
    ]) : "${connection.from}-to-${connection.to}-${connection.port}" => connection
  }

  routes = merge([
    for name, service in var.services : {
      for port, route in service.routes : (length(service.routes) == 1 ? name : "${name}-${port}") => {
        health_path = route.health_path
        paths       = route.paths
        port        = service.ports[port]
        priority    = route.priority
        service     = name
      }
    }
  ]...)
}
