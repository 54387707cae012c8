"""Many tickets at once for seeder and importer: lived in processes, written by COPY."""
