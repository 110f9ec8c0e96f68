"""The only package that talks to a Kubernetes API server.

`kubeconfig` and `incluster` say where and as whom (`connection`), `rest` asks, `reflector` keeps caches of `objects`, `exec`
runs commands. Pure parts: `channels`, `classify`, `status`, `stdin_window`, `objects`. Errors: `errors`.
"""
