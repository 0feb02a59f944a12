"""ipsec-lab: a throw-away network of hosts in network namespaces. See README.md beside this package."""
