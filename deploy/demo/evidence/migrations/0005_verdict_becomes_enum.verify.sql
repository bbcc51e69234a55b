SELECT count(*) = 0 FROM reviews WHERE outcome IS NULL;
