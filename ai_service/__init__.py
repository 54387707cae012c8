"""The AI service: risk, insights, dispatch advice and the assistant."""
