"""The assistant: questions in two languages, answered by the API's own figures."""
