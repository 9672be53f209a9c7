"""An unpaired image translator between source and target, as trained behind DiGA's CrDoMix: networks and their losses."""
