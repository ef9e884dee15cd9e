data "aws_region" "current" {}

locals {
  # What ECS Exec's agent writes to; without these a read-only root keeps it from starting:
  # https://github.com/aws/containers-roadmap/issues/1359
  _exec_folders = var.service.writes_everywhere ? {} : {
    exec-agent = "/managed-agents"
    exec-log   = "/var/log/amazon/ssm"
    exec-state = "/var/lib/amazon/ssm"
  }
  _files = var.service.configuration == null ? [] : sort(fileset(var.service.configuration.folder, "**"))

  _values = try(var.service.configuration.values, {})

  # The configuration travels in the task definition: a rollback to an older revision brings back
  # the files that belong to it.
  _prepare = length(var.service.writable) + length(local._files) == 0 ? [] : [{
    name                   = "prepare"
    image                  = var.prepare_image
    command                = ["sh", "-c", file("${path.module}/files/prepare.sh")]
    essential              = false
    readonlyRootFilesystem = true
    environment = concat(
      [{ name = "WRITABLE", value = join(" ", keys(var.service.writable)) }],
      [{ name = "VALUES", value = join(" ", keys(local._values)) }],
      [for name, value in local._values : { name = name, value = value }],
      flatten([for number, file in local._files : [
        { name = "PATH_${number}", value = file },
        { name = "DATA_${number}", value = base64gzip(file("${var.service.configuration.folder}/${file}")) },
      ]]),
    )
    mountPoints = concat(
      [for name in keys(var.service.writable) : { sourceVolume = name, containerPath = "/writable/${name}", readOnly = false }],
      [for name in slice(["configuration"], 0, min(1, length(local._files))) : { sourceVolume = name, containerPath = "/configuration", readOnly = false }],
    )
    logConfiguration = local._logs
  }]

  _logs = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this.name
      awslogs-region        = data.aws_region.current.region
      awslogs-stream-prefix = var.name
      max-buffer-size       = "4m"
      mode                  = "non-blocking"
    }
  }

  _mounts = concat(
    [for name, path in merge(var.service.writable, local._exec_folders) : { sourceVolume = name, containerPath = path, readOnly = false }],
    [for name in slice(["configuration"], 0, min(1, length(local._files))) : { sourceVolume = name, containerPath = var.service.configuration.path, readOnly = true }],
    [for volume in var.service.volume[*] : { sourceVolume = "data", containerPath = volume.path, readOnly = false }],
  )

  # Fields without a value are left out: ECS would fill them in, and every plan would differ.
  _container = {
    for field, value in {
      name                   = var.name
      image                  = var.service.image
      command                = var.service.command
      entryPoint             = var.service.entrypoint
      user                   = var.service.user
      essential              = true
      readonlyRootFilesystem = !var.service.writes_everywhere
      stopTimeout            = var.service.stop_seconds
      dependsOn              = length(local._prepare) == 0 ? null : [{ containerName = "prepare", condition = "SUCCESS" }]
      environment            = [for name, value in var.service.environment : { name = name, value = value }]
      secrets                = [for name, arn in var.service.secrets : { name = name, valueFrom = arn }]
      healthCheck = var.service.health == null ? null : {
        command     = var.service.health
        interval    = 10
        retries     = 3
        startPeriod = var.service.health_grace
        timeout     = 5
      }
      linuxParameters  = { initProcessEnabled = true }
      logConfiguration = local._logs
      mountPoints      = local._mounts
      portMappings     = [for name, port in var.service.ports : { name = name, containerPort = port, hostPort = port, protocol = "tcp" }]
    } : field => value if value != null
  }
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.prefix}-${var.name}"
  container_definitions    = jsonencode(concat(local._prepare, [local._container]))
  cpu                      = var.service.cpu
  execution_role_arn       = aws_iam_role.execution.arn
  memory                   = var.service.memory
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  # The revision before has to be there for a rollback.
  skip_destroy  = true
  task_role_arn = aws_iam_role.task.arn

  runtime_platform {
    cpu_architecture        = var.service.architecture
    operating_system_family = "LINUX"
  }

  dynamic "volume" {
    for_each = toset(concat(keys(var.service.writable), keys(local._exec_folders), slice(["configuration"], 0, min(1, length(local._files)))))

    content {
      name = volume.value
    }
  }

  dynamic "volume" {
    for_each = var.service.volume[*]

    content {
      name = "data"

      efs_volume_configuration {
        file_system_id     = var.file_system.id
        transit_encryption = "ENABLED"

        authorization_config {
          access_point_id = volume.value.access_point
          iam             = "ENABLED"
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = length(jsonencode(local._prepare)) < 50000
      error_message = "The configuration of ${var.name} is too large for a task definition, which holds 64 KB."
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:They are for finding faults, not for the record; spend and audit are in the database
  name              = "/${var.prefix}/${var.name}"
  kms_key_id        = var.key_arn
  retention_in_days = var.log_days
}
