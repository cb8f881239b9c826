-- What an account used in some days, of all plugins.
CREATE INDEX plugin_usage_account ON plugin_usage (account, day);
