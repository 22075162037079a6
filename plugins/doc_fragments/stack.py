# Copyright (c) 2026, the tiered.rollback authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation shared by the modules that work on a stack."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes that several modules have in common."""

    DOCUMENTATION = r"""
options:
  stack:
    description:
      - The stack, as the inventory variable C(rollback_stack) describes it. Unknown keys are refused.
      - C(name) (string, required) names the stack in the state directory, in image tags and in reports.
      - C(engine) (V(compose) or V(swarm), default V(compose)) is what runs it. Of a stack of a swarm, whose manager the
        target is, only C(name), C(project_name) (the stack's name in the swarm), C(services), C(health_timeout),
        C(metrics), C(keep), C(max_age_days) and C(github) can be given, and of a service C(checks), C(cutover) and
        C(depends_on) (list of services that it needs, which a deployment updates before it and a rollback after it).
      - C(project_src) (absolute path, required with C(engine=compose)) is the directory on the target that holds the
        Compose file.
      - C(project_name) (string) is needed only where it differs from what Compose derives itself.
      - C(files), C(profiles) and C(env_files) (lists of strings, default empty) are given to Compose as they are.
      - C(config) (list of paths below C(project_src)) are the files a restore point holds. The default is the Compose
        and environment files in use.
      - C(image_source) (V(auto), V(retag), V(variable) or V(git), default V(auto)) says how images go back.
      - C(stop_timeout) (seconds) is the time between SIGTERM and SIGKILL. The default is each container's own.
      - C(health_timeout) (seconds, default V(60)) is the time containers and checks get to become good.
      - C(registry) (repository prefix) is where images are pushed when a restore point is captured, as
        C(PREFIX/SERVICE:TAG). Give each stack one of its own, since tags of versions are moved there.
      - C(metrics) (path on the target) is the directory of node_exporter's textfile collector; the stack's metrics are
        written there.
      - C(keep) (count, default V(10)) and C(max_age_days) (days, no default) are the retention of restore points.
      - C(services) (dictionary by service) holds C(checks) (list of HTTP checks with C(url), C(method), C(status),
        C(json), C(headers), C(body), C(contains), C(answer_headers), C(timeout) in seconds), C(cutover) (V(auto),
        V(start_first), V(stop_first)), C(attach_command)
        and C(drain_command) (argument lists), C(drain_timeout) and C(settle) (seconds), and C(release) (V(auto),
        V(build), V(pull) or V(keep)), how M(tiered.rollback.image_build) gets a version's image.
      - C(gates) (list of dictionaries) are the deployment gates, as M(tiered.rollback.gates_run) has them.
      - C(checks) (list of dictionaries) are checks of any kind, as M(tiered.rollback.verify_info) has them.
      - C(postgres) (list of dictionaries) describes databases of PostgreSQL servers, with the keys of the option
        C(postgres) of M(tiered.rollback.pg_backup).
      - C(sqlite) (list of dictionaries) describes SQLite files by C(path), on the host or with C(service) inside that
        service's volume, with C(name), C(schema_version) and C(writers) as for PostgreSQL.
      - C(flags) (dictionary by feature flag) says where the application tells one, C(status_url) and C(status_path)
        (dotted path in its JSON), and where it is told to set it, C(api_url), C(api_method) (V(PUT), V(POST) or
        V(PATCH), default V(PUT)) and C(api_body) (JSON in which C({value}) stands for the value), with C(headers) and
        C(timeout) (seconds, default V(5)). A flag without C(api_url) is a variable of an environment file.
      - C(mcp) (dictionary) is the snapshot API of an MCP container, with the keys of the option C(mcp) of
        M(tiered.rollback.mcp_snapshot).
      - C(github) (dictionary) is the repository whose workflows a CI rollback takes back, with the keys of the option
        C(github) of M(tiered.rollback.github_workflow_swap).
    type: dict
    required: true
  state_dir:
    description: Directory on the target below which each stack has its state, readable by its owner only.
    type: path
    default: /var/lib/tiered-rollback
requirements:
  - Python >= 3.11 (on the target)
  - Docker >= 20.10 (engine of the target)
  - docker >= 7.0 (Python package on the target)
  - docker compose >= 2.20 (on the target)
author:
  - The tiered.rollback authors (@tiered)
"""

    SQLITE = r"""
options:
  path:
    description:
      - The database's file; absolute. With O(service) it is the path inside that service's containers, in a volume or
        bind mount.
    type: str
    required: true
  service:
    description: Compose service whose containers, running or stopped, hold the file. Needs O(project).
    type: str
  project:
    description: Compose project of O(service).
    type: str
"""

    RUN = r"""
options:
  run:
    description: Who runs what, as M(tiered.rollback.launch) returns it in RV(tiered.rollback.launch#module:run).
    type: dict
    required: true
"""

    POSTGRES = r"""
options:
  postgres:
    description: The database, as an entry of C(rollback_stack.postgres) describes it.
    type: dict
    required: true
    suboptions:
      name:
        description: What reports call it. The default is O(postgres.database).
        type: str
      database:
        description: Name of the database on its server.
        type: str
        required: true
      container:
        description:
          - Container that the server runs in. Its address is connected to where O(postgres.host) is not given, and its
            client tools are used where the host has none of the same release.
        type: str
      host:
        description: Address of the server, or the directory of its Unix socket.
        type: str
      port:
        description: Port of the server.
        type: int
        default: 5432
      user:
        description:
          - User to connect as.
          - It must own the database and have C(CREATEDB) and C(pg_signal_backend), or be a superuser.
        type: str
        default: postgres
      password:
        description: Password, given to client tools by environment, never on a command line.
        type: str
      passfile:
        description: A C(.pgpass) file on the target.
        type: str
      service_file:
        description: A service file of libpq on the target.
        type: str
      service_name:
        description:
          - Service that says host, port and user, where neither O(postgres.host) nor O(postgres.container) is given.
        type: str
      maintenance_database:
        description: Database to connect to for creating and renaming databases.
        type: str
        default: postgres
      format:
        description: Format of the dump; V(directory) is written side by side by O(postgres.jobs) processes.
        type: str
        choices: [custom, directory]
        default: directory
      jobs:
        description: Processes that dump and restore side by side; fewer where the server lacks free connections.
        type: int
        default: 2
      schema_version:
        description: Query whose one value names the schema. The default is a hash of the schema.
        type: str
      writers:
        description: Services that a tier 2 rollback stops meanwhile; of no matter here.
        type: list
        elements: str
requirements:
  - psycopg2 (Python package on the target)
  - pg_dump and pg_restore (on the target or in the server's image)
  - PostgreSQL >= 13 (server)
author:
  - The tiered.rollback authors (@tiered)
"""

    ATTRIBUTES = r"""
attributes:
  check_mode:
    description: Gives the same answer as a real run and moves nothing.
    support: full
  diff_mode:
    description: Says what changes from what to what. Contents of files are never shown, since they may hold secrets.
    support: full
  idempotent:
    description: Run again in the same state, it changes nothing.
    support: full
"""
