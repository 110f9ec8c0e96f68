"""The backend: console, API, sign-in, policy, audit; accepts browsers, CLIs and agents."""
