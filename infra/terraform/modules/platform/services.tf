# Facts about the services that need no cloud are in services.json, which ops and tests read as well.
# Here they meet what only Terraform knows: addresses, secrets, roles, and the environment's choices.
locals {
  _facts = jsondecode(file("${path.module}/services.json"))

  _self_hosted = var.langfuse.mode == "self_hosted"
  _groups      = concat(["gateway", "observability"], local._self_hosted ? ["langfuse"] : [])
  _names       = toset([for name, one in local._facts : name if contains(local._groups, one.group)])

  _volumes          = { for name in local._names : name => local._facts[name].volume_path if can(local._facts[name].volume_path) }
  _database_clients = toset([for name in local._names : name if try(local._facts[name].uses_database, false)])
  # ClickHouse's image runs as its own user; VictoriaMetrics runs as nobody.
  _volume_users = {
    clickhouse       = { gid = 101, uid = 101 }
    victoria-metrics = { gid = 65534, uid = 65534 }
  }

  _host      = coalesce(try(var.domain.name, null), module.edge.distribution.domain)
  _url       = "https://${local._host}"
  _namespace = "${var.prefix}.internal"

  # The same files that the stack on one's own machine reads.
  _observability = "${path.module}/../../../observability"

  _capacity = {
    gateway       = var.gateway.capacity
    langfuse      = var.langfuse.capacity
    observability = var.observability_capacity
  }

  # It keeps data, and two minutes may be too few to write down what it holds.
  _never_spot = ["clickhouse"]

  services = {
    for name in local._names : name => {
      for field, value in {
        calls             = { for callee, ports in try(local._facts[name].calls, {}) : callee => ports if contains(local._names, callee) }
        capacity          = contains(local._never_spot, name) ? "on-demand" : local._capacity[local._facts[name].group]
        cpu               = name == "gateway" ? var.gateway.cpu : local._facts[name].cpu
        health            = try(local._facts[name].health, null)
        health_grace      = try(local._facts[name].health_grace, null)
        image             = var.images[local._image_of[name]]
        kind              = try(local._facts[name].kind, null)
        memory            = name == "gateway" ? var.gateway.memory : local._facts[name].memory
        ports             = try(local._facts[name].ports, null)
        routes            = try(merge(local._facts[name].routes, local._routes[name]), local._facts[name].routes, null)
        scaling           = name == "gateway" ? var.gateway.scaling : null
        stop_seconds      = try(local._facts[name].stop_seconds, null)
        tasks             = name == "gateway" ? var.gateway.tasks : lookup(var.tasks, name, null)
        user              = try(local._facts[name].user, null)
        writable          = try(local._facts[name].writable, null)
        writes_everywhere = try(local._facts[name].writes_everywhere, null)
      } : field => value if value != null
    }
  }

  _image_of = merge({ for name in local._names : name => name }, { gateway-migrate = "gateway", database-setup = "postgres" })

  _configurations = {
    alertmanager = {
      folder = "${path.module}/configuration/alertmanager"
      path   = "/etc/alertmanager"
      values = { REGION = local._region, TOPIC_ARN = module.alarms.topic_arn }
    }
    database-setup = {
      folder = "${path.module}/configuration/database-setup"
      path   = "/setup"
      values = {}
    }
    victoria-metrics = {
      folder = "${local._observability}/victoria-metrics"
      path   = "/etc/victoria-metrics"
      values = {}
    }
    vmalert = {
      folder = "${local._observability}/vmalert"
      path   = "/etc/vmalert"
      values = {}
    }
  }

  _commands = {
    vmalert = [
      "-datasource.url=http://victoria-metrics.${local._namespace}:8428",
      "-external.url=${local._url}/grafana",
      "-httpListenAddr=:8880",
      "-notifier.url=http://alertmanager.${local._namespace}:9093",
      "-remoteRead.url=http://victoria-metrics.${local._namespace}:8428",
      "-remoteWrite.url=http://victoria-metrics.${local._namespace}:8428",
      "-rule=/etc/vmalert/*.yml",
    ]
  }

  # The gateway's metrics name users and spend: nobody outside has to read them, so nobody can.
  _routes = {
    gateway = var.expose_metrics ? {
      internal = { health_path = "/health/liveliness", paths = ["/metrics", "/metrics/*"], priority = 40 }
    } : {}
  }
}

# The load balancer needs the services' routes, and the services its address: so what depends on
# addresses is added after the routes are known.
locals {
  _completed = {
    for name in local._names : name => {
      command     = try(local._facts[name].command, local._commands[name], null)
      environment = lookup(local._environment, name, {})
      secrets     = lookup(local._secret_references, name, {})
      volume      = can(local._volumes[name]) ? { access_point = module.storage.access_point_ids[name], path = local._volumes[name] } : null

      configuration = !contains(keys(local._configurations), name) ? null : {
        folder = local._configurations[name].folder
        path   = local._configurations[name].path
        values = local._configurations[name].values
      }
    }
  }
}

module "service_spec" {
  source = "../service-spec"

  services = local.services
}

module "service" {
  source   = "../ecs-service"
  for_each = module.service_spec.services

  cluster              = { arn = module.cluster.arn, name = module.cluster.name }
  exec_log_group_arn   = module.cluster.exec_log_group.arn
  file_system          = !contains(keys(local._volumes), each.key) ? null : { arn = module.storage.file_system_arn, id = module.storage.file_system_id }
  key_arn              = module.secrets.key_arn
  log_days             = var.log_days
  name                 = each.key
  namespace_id         = module.cluster.namespace.id
  permissions_boundary = var.permissions_boundary
  policies             = lookup(local._policies, each.key, {})
  prefix               = var.prefix
  prepare_image        = var.images["busybox"]
  security_group_ids   = [aws_security_group.service[each.key].id]
  service              = merge(each.value, local._completed[each.key])
  subnet_ids           = values(module.network.private_subnets)

  load_balancer = each.key != "gateway" ? null : {
    arn_suffix              = module.edge.load_balancer.arn_suffix
    target_group_arn_suffix = module.edge.target_groups["gateway-public"].arn_suffix
  }
  target_groups = {
    for route, one in module.service_spec.routes :
    one(([for port, number in each.value.ports : port if number == one.port])) => module.edge.target_groups[route].arn if one.service == each.key
  }
}
