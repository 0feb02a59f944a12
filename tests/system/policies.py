"""Policies of the tests, format policyagent/1."""

KEY = "a key for tests only"
GCM = {"cipher": "AES128-GCM", "integrity": "NONE"}
CBC = {"cipher": "AES256", "integrity": "SHA256"}
NETWORK_4, NETWORK_6 = "10.77.0.0/24", "fd77::/64"
TO_NETWORK = [{"source": "me", "destination": NETWORK_4}, {"source": "me", "destination": NETWORK_6}]


def offer(esp, kilobytes=100_000_000, seconds=3600):
    return {"esp": dict(esp), "lifetime_kilobytes": kilobytes, "lifetime_seconds": seconds}


def negotiate(*offers, **settings):
    return {"action": "negotiate", "offers": list(offers) or [offer(GCM)], **settings}


PERMIT = {"action": "permit"}
BLOCK = {"action": "block"}


def rule(name, filters, action, key=KEY, tunnel=None):
    made = {"name": name, "filters": filters, "action": action,
            "authentication": [{"method": "psk", "psk": key}] if action["action"] == "negotiate" else []}
    if tunnel:
        made["tunnel_endpoint"] = tunnel
    return made


def document(name, *rules, main_mode=None, profile="modern"):
    """A file with one policy, assigned. Each rule gets a filter list and a filter action of its own name."""
    return {
        "format": "policyagent/1",
        "assigned": name,
        "policies": [{
            "name": name,
            "profile": profile,
            **({"main_mode": main_mode} if main_mode else {}),
            "rules": [{
                "name": made["name"], "filter_list": made["name"], "filter_action": made["name"], "authentication": made["authentication"],
                **({"tunnel_endpoint": made["tunnel_endpoint"]} if "tunnel_endpoint" in made else {}),
            } for made in rules],
            "default_response": {"active": False},
        }],
        "filter_lists": [{"name": made["name"], "filters": made["filters"]} for made in rules],
        "filter_actions": [{"name": made["name"], **made["action"]} for made in rules],
    }


def protect_network(name="Protect", key=KEY, action=None):
    """Everything between this host and the lab's network, IPv4 and IPv6."""
    return document(name, rule("Network", TO_NETWORK, action or negotiate(), key))


def tunnel(here, there, own_gateway, other_gateway, key=KEY):
    """What goes from network `here` to network `there` and back, through a tunnel between the gateways."""
    return document("Tunnel",
                    rule("Out", [{"source": here, "destination": there, "mirrored": False}], negotiate(), key, other_gateway),
                    rule("In", [{"source": there, "destination": here, "mirrored": False}], negotiate(), key, own_gateway))
