# What services are told: settings in the open, secrets by reference.
locals {
  _database = "${module.database.address}:${module.database.port}"

  _secrets = merge(
    {
      "gateway/database"   = { description = "Password of the gateway's database role, as plain text of 32 letters and digits" }
      "gateway/master-key" = { description = "The key that may administer the gateway: sk- and 48 random characters" }
      "grafana/admin"      = { description = "Password of Grafana's user admin, as plain text of 24 characters or more" }
    },
    var.langfuse.mode == "off" ? {} : {
      "langfuse/project" = { description = "JSON with public_key (pk-lf-…) and secret_key (sk-lf-…) of the project that traces go to" }
    },
    local._self_hosted ? {
      "langfuse/server" = { description = "JSON with admin_password, clickhouse_password, database_password, encryption_key (64 hex digits), nextauth_secret, salt, valkey_password: letters and digits only" }
    } : {},
  )

  _gateway_database = { PGPASSWORD = module.secrets.arns["gateway/database"] }
  _langfuse_keys = var.langfuse.mode == "off" ? {} : {
    LANGFUSE_PUBLIC_KEY = "${module.secrets.arns["langfuse/project"]}:public_key::"
    LANGFUSE_SECRET_KEY = "${module.secrets.arns["langfuse/project"]}:secret_key::"
  }
  _langfuse_url = {
    external    = var.langfuse.url
    off         = null
    self_hosted = "http://langfuse-web.${local._namespace}:3000/langfuse"
  }[var.langfuse.mode]

  # The password comes by PGPASSWORD, which PostgreSQL's client library reads by itself.
  _gateway_environment = {
    AWS_REGION   = local._region
    DATABASE_URL = "postgresql://gateway@${local._database}/gateway?sslmode=require"
  }

  _environment = {
    gateway = merge(
      var.gateway.settings,
      local._gateway_environment,
      {
        # CloudFront and the edge listener; the internal listener.
        GATEWAY_PUBLIC_TRUSTED_PROXIES   = "2"
        GATEWAY_INTERNAL_TRUSTED_PROXIES = "1"
        # Between SIGTERM and SIGKILL: answers go on, then the last bills are settled.
        GATEWAY_SHUTDOWN_SECONDS = tostring(local._facts.gateway.stop_seconds - 10)
      },
      var.bedrock.profile == null ? {} : { GATEWAY_BEDROCK_PROFILE = var.bedrock.profile },
      length(var.bedrock.failover) == 0 ? {} : { GATEWAY_BEDROCK_FAILOVER = join(", ", var.bedrock.failover) },
      local._langfuse_url == null ? {} : {
        LANGFUSE_BASE_URL            = local._langfuse_url
        LANGFUSE_TRACING_ENVIRONMENT = var.environment
      },
    )
    gateway-migrate = local._gateway_environment
    database-setup = {
      PGDATABASE = "gateway"
      PGHOST     = module.database.address
      PGSSLMODE  = "require"
      PGUSER     = "administrator"
    }
    grafana = {
      ALERTMANAGER_URL               = "http://alertmanager.${local._namespace}:9093"
      AWS_REGION                     = local._region
      GF_ANALYTICS_CHECK_FOR_UPDATES = "false"
      GF_ANALYTICS_REPORTING_ENABLED = "false"
      GF_AUTH_ANONYMOUS_ENABLED      = "false"
      GF_SERVER_ROOT_URL             = "${local._url}/grafana/"
      GF_SERVER_SERVE_FROM_SUB_PATH  = "true"
      GF_USERS_ALLOW_SIGN_UP         = "false"
      VICTORIA_METRICS_URL           = "http://victoria-metrics.${local._namespace}:8428"
    }
    victoria-metrics = { NAMESPACE = local._namespace }
    langfuse-web = merge(local._langfuse_environment, {
      AUTH_DISABLE_SIGNUP      = "true"
      HOSTNAME                 = "0.0.0.0"
      LANGFUSE_INIT_ORG_ID     = var.prefix
      LANGFUSE_INIT_PROJECT_ID = var.prefix
      LANGFUSE_INIT_USER_EMAIL = var.langfuse.admin_email
    })
    langfuse-worker = local._langfuse_environment
    clickhouse      = { CLICKHOUSE_DB = "default", CLICKHOUSE_USER = "langfuse" }
  }

  _langfuse_environment = {
    CLICKHOUSE_CLUSTER_ENABLED      = "false"
    CLICKHOUSE_MIGRATION_URL        = "clickhouse://clickhouse.${local._namespace}:9000"
    CLICKHOUSE_URL                  = "http://clickhouse.${local._namespace}:8123"
    CLICKHOUSE_USER                 = "langfuse"
    DATABASE_ARGS                   = "sslmode=require"
    DATABASE_HOST                   = local._database
    DATABASE_NAME                   = "langfuse"
    DATABASE_USERNAME               = "langfuse"
    LANGFUSE_S3_EVENT_UPLOAD_BUCKET = try(module.storage.bucket_names["langfuse"], "")
    LANGFUSE_S3_EVENT_UPLOAD_REGION = local._region
    LANGFUSE_S3_MEDIA_UPLOAD_BUCKET = try(module.storage.bucket_names["langfuse"], "")
    LANGFUSE_S3_MEDIA_UPLOAD_REGION = local._region
    NEXTAUTH_URL                    = "${local._url}/langfuse/api/auth"
    REDIS_HOST                      = "valkey.${local._namespace}"
    REDIS_PORT                      = "6379"
    TELEMETRY_ENABLED               = "false"
  }

  _secret_references = {
    gateway         = merge(local._gateway_database, local._langfuse_keys, { GATEWAY_MASTER_KEY = module.secrets.arns["gateway/master-key"] })
    gateway-migrate = local._gateway_database
    database-setup = merge(
      { GATEWAY_PASSWORD = module.secrets.arns["gateway/database"], PGPASSWORD = "${module.database.master_secret_arn}:password::" },
      local._self_hosted ? { LANGFUSE_PASSWORD = "${module.secrets.arns["langfuse/server"]}:database_password::" } : {},
    )
    grafana = { GF_SECURITY_ADMIN_PASSWORD = module.secrets.arns["grafana/admin"] }
    langfuse-web = local._self_hosted ? merge(local._langfuse_secrets, {
      LANGFUSE_INIT_PROJECT_PUBLIC_KEY = "${module.secrets.arns["langfuse/project"]}:public_key::"
      LANGFUSE_INIT_PROJECT_SECRET_KEY = "${module.secrets.arns["langfuse/project"]}:secret_key::"
      LANGFUSE_INIT_USER_PASSWORD      = "${module.secrets.arns["langfuse/server"]}:admin_password::"
      NEXTAUTH_SECRET                  = "${module.secrets.arns["langfuse/server"]}:nextauth_secret::"
    }) : {}
    langfuse-worker = local._langfuse_secrets
    clickhouse      = local._self_hosted ? { CLICKHOUSE_PASSWORD = "${module.secrets.arns["langfuse/server"]}:clickhouse_password::" } : {}
    valkey          = local._self_hosted ? { VALKEY_PASSWORD = "${module.secrets.arns["langfuse/server"]}:valkey_password::" } : {}
  }

  _langfuse_secrets = local._self_hosted ? {
    CLICKHOUSE_PASSWORD = "${module.secrets.arns["langfuse/server"]}:clickhouse_password::"
    DATABASE_PASSWORD   = "${module.secrets.arns["langfuse/server"]}:database_password::"
    ENCRYPTION_KEY      = "${module.secrets.arns["langfuse/server"]}:encryption_key::"
    REDIS_AUTH          = "${module.secrets.arns["langfuse/server"]}:valkey_password::"
    SALT                = "${module.secrets.arns["langfuse/server"]}:salt::"
  } : {}
}
