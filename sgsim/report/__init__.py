"""Answers for people and machines.

`sentences` says what each reason means; `summary_sections` puts a summary into words, once, as `blocks`; `summary_text`,
`markdown` and `html` give these blocks their form, and `summary_json` is for programs.
"""
