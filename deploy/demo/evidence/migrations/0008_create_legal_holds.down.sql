DROP TABLE legal_hold_artifacts;
DROP TABLE legal_holds;
