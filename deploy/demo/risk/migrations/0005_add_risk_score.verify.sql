SELECT count(*) = 0 FROM risks WHERE score <> likelihood * impact;
