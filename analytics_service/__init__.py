"""Analytics: metrics, trends, forecasts and anomalies of the desk."""
