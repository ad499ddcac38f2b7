"""The student as an agent behind HTTP.

    keys       API keys: created once, stored hashed
    problem    errors as application/problem+json
    intake     what surrounds every request: id, headers, body limit, log line, metrics
    gate       who may come in: key, rate limit, bounded queue
    service    one agent run for one request, cancelled when its client goes
    agent_api  POST /v1/agent
    chat_api   POST /v1/chat/completions, GET /v1/models (OpenAI's protocol)
    probes     /healthz, /readyz, /metrics
    app        create_app: the parts, put together
    server     one process: opens everything, drains on SIGTERM
    workers    several of them behind one socket
    command    `deepcoder serve`, `deepcoder keys`

User text goes to the model and the sandbox and back to the client; no log, metric, file or error body
ever has any of it.
"""
