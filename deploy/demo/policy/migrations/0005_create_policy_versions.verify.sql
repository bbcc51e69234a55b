SELECT count(*) = (SELECT count(*) FROM policies) FROM policy_versions WHERE version = 1;
