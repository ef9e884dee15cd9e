# The bucket, the key and the region come from `bootstrap`, which prints the file:
#   terraform init -backend-config=backend.hcl
terraform {
  backend "s3" {
    key          = "environments/poc/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
