"""One answer from several estimators: they are combined and compared by stated rules.

``information`` holds the estimators, ``pipelines`` runs the parts, ``rules`` combines what they
say, ``kinds`` tells discrete columns from continuous ones, and ``advice`` says in advance what they
would do.
"""
