DROP TABLE role_members;
DROP TABLE roles;
