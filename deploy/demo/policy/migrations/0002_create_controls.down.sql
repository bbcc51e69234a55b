DROP TABLE controls;
