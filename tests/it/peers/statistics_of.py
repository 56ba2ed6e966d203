"""What scipy and statsmodels say of the figures on standard input, as JSON."""

import json
import sys

from scipy.stats import t
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

asked = json.load(sys.stdin)
alpha = asked["alpha"]
print(
    json.dumps(
        {
            "wilson": [proportion_confint(a, n, alpha, "wilson") for a, n, _, _ in asked["rates"]],
            "newcombe": [
                confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff", alpha=alpha, correction=False)
                for a, n, b, m in asked["rates"]
            ],
            "student": [t.interval(1 - alpha, df, value, error) for value, error, df in asked["means"]],
            "holm": list(multipletests(asked["p_values"], alpha, "holm")[1]),
        }
    )
)
