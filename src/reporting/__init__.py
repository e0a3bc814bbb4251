"""What people look at: figures, tables, and the numbers behind them.

Figures, tables and numbers are pure functions of arrays and strings; whoever calls them decides where they go. Only
`figures/` imports matplotlib.
"""
