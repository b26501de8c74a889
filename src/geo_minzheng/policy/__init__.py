"""data/policy -> the policy in force on a day; all faults of all files in one pass."""

from geo_minzheng.policy.load import check_policy, list_profiles, load_policy

__all__ = ["check_policy", "list_profiles", "load_policy"]
