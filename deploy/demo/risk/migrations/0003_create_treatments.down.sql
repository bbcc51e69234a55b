DROP TABLE treatments;
